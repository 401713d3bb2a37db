# The service: API, jobs, command line. It expects PostgreSQL at DATABASE_URL.
FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY requirements requirements
COPY riskdb riskdb
COPY discovery discovery
COPY service service
COPY migrations migrations
RUN python -m venv /opt/wardgraph \
 && /opt/wardgraph/bin/pip install --no-cache-dir --require-hashes -r requirements/run.txt \
 && /opt/wardgraph/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.13-slim
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/wardgraph wardgraph
COPY --from=build /opt/wardgraph /opt/wardgraph
USER 10001
WORKDIR /var/lib/wardgraph
ENV PATH=/opt/wardgraph/bin:$PATH PYTHONUNBUFFERED=1
EXPOSE 8420
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8420/readyz', timeout=2)"]
ENTRYPOINT ["wardgraph"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8420"]

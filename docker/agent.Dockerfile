# The agent alone: no database library, no service. Run it with the host's network, so that it hears mDNS.
FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY requirements requirements
COPY riskdb riskdb
COPY discovery discovery
COPY service service
COPY migrations migrations
RUN python -m venv /opt/wardgraph \
 && /opt/wardgraph/bin/pip install --no-cache-dir --require-hashes -r requirements/agent.txt \
 && /opt/wardgraph/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.13-slim
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/wardgraph wardgraph
COPY --from=build /opt/wardgraph /opt/wardgraph
USER 10001
WORKDIR /var/lib/wardgraph
ENV PATH=/opt/wardgraph/bin:$PATH PYTHONUNBUFFERED=1
ENTRYPOINT ["wardgraph", "agent"]
CMD ["--state", "/var/lib/wardgraph"]

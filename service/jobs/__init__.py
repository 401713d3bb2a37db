"""Long work: ingest, re-identify, re-rank; each guarded, bounded, with progress."""

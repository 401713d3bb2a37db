"""One file a resource: parse, call riskdb, view. No SQL and no graph walking."""

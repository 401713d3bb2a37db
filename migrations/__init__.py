"""The database's history: NNNN_verb_noun.sql, forward only, run by riskdb.store.migrate."""

"""Station 5: assets, declared facts and the knowledge pack in, the care graph out. Pure."""

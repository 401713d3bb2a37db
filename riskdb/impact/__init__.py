"""Station 6: a care graph and scenarios in, fire times and lost care out. `compile`, `evaluate`, `explain`."""

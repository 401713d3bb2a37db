"""Station 7: impacts in, the order in which assets should worry us out. Pure."""

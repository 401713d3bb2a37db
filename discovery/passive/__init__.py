"""Station 1, listening: what devices say unasked, and files of what they said."""

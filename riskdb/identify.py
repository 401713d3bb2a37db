"""Station 4: observations and their claims in, settled assets out. Pure; it reads no clock and no database."""

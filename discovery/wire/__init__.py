"""Station 2: bytes into observations. Pure, bounded, fuzzed; it never raises on what came from outside."""

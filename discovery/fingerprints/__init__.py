"""Station 3: cards, and the pure function that turns an observation into a claim."""

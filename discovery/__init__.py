"""Looks at a network without hurting it and says what it saw. Of riskdb it imports only the vocabulary."""

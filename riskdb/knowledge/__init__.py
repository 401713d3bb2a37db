"""The knowledge pack: pathways, capabilities, device types and weights, each number with source and review state."""

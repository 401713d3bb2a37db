"""Files that people keep (CSV lists of assets, units, rooms, ports, links) into declared values and rejects. Pure."""

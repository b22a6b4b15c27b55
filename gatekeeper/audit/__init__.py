"""What happened at the gate: events without values, in lines that cannot be forged, logged without holding anyone up."""

"""What happened at the gate: events without values, in lines that cannot be forged, and without holding anyone up."""

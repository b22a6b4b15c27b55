"""Field lists as octets; knows nothing of cookies."""

"""Where chunks are kept and looked up: the port, the embedded index, the one in Azure."""

"""What the model makes of declared tools, and which of them a message asks for."""

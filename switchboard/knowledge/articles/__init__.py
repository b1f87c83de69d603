"""Documents: read from files, cut into chunks, named by their content."""

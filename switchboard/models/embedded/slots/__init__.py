"""Arguments of a call: values that stand in what was said, filled in by the schema of the tool."""

"""Package data of `switchboard.models.minilm`: the model's tokenizer (see NOTICE)."""

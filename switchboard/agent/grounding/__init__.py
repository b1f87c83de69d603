"""What a model says is held to its evidence: hard facts and deeds by the sentence, prose by its meaning."""

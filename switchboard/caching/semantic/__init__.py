"""Whether an answer to one question serves another: guards, a verifier, agreement. Pure decisions, and the cache over a store."""

"""Whether a request comes from this app's own sidecar: the one comparison of Dapr's APP_API_TOKEN."""

import secrets


def is_from_sidecar(header: str | None, token: str | None) -> bool:
    """`header` is what came as `dapr-api-token`, `token` this app's APP_API_TOKEN. Without a token every request is.

    Servers read headers as Latin-1, so that any byte may come; it is compared as it came, in constant time.
    """
    return not token or secrets.compare_digest((header or "").encode(), token.encode())

"""Whether a port can be listened on, asked before anything starts that could not say it as well."""

import socket


def why_taken(host: str, port: int) -> str | None:
    """Why nothing can listen there, the beginning of a sentence; None where it can."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as exc:
            return f"Nothing can listen on {host}:{port} ({exc.strerror})."
    return None

"""A port of this machine to listen on."""

import socket


def listener(port: int = 0) -> socket.socket:
    """Return a socket that listens on loopback.

    It says that it speaks TCP, which `socket.create_server` leaves open: without it asyncio does not switch off
    Nagle's algorithm for the connections that it accepts, and each small answer in two parts waits 40 ms.

    Args:
        port: 0 takes one that is free.
    """
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", port))
    listening.listen(4096)
    return listening

"""The header of every CERTEX reply that is no fault: the platform's own, and the request's CertexHeader once more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.certex.headers import header_block, read_header
from gateway.traces.replies import reply_header as platform_header

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from gateway.soap import SoapCall

__all__ = ["reply_header"]


def reply_header(clock: Callable[[], datetime]) -> Callable[[SoapCall], bytes]:
    """For ``Contract.reply_header``.

    Args:
        clock: aware time at which the reply leaves; written with the offset of this machine, as the platform does.
    """
    platform = platform_header(clock)

    def header(call: SoapCall) -> bytes:
        return platform(call) + header_block(read_header(call))

    return header

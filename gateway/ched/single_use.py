"""The single-use values of a message (nonces), kept before TRACES hears anything of it.

A write of this instance's own keeps them in its unit of work. What another instance is asked to do cannot be undone, so
there they are kept first: a recorded message does nothing a second time.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from gateway.errors import AuthenticationFailed, GatewayError
from gateway.store import Recorded, RecordedKind
from gateway.store.journal import claim_nonces

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.ched.models import Actor
    from gateway.store import Store

__all__ = ["keep_values", "values_kept"]


def keep_values(store: Store, actor: Actor) -> None:
    """Keep the values of the actor's message.

    Raises:
        AuthenticationFailed: IMG-2003, one was used before.
    """
    principal = actor.principal
    if not principal.nonces:
        return
    kept = store.write(lambda connection: claim_nonces(connection, principal.partner.id, principal.nonces))
    if isinstance(kept, Recorded) and kept.kind is RecordedKind.REPLAY:
        raise AuthenticationFailed("IMG-2003", found=kept.detail)


@contextmanager
def values_kept() -> Iterator[None]:
    """Refusals inside come after the values were kept: their record has none to keep."""
    try:
        yield
    except GatewayError as error:
        error.spent = True
        raise

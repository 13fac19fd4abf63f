"""Border control posts and control points: what exists, where, for which consignments, on which day (R-44-1, R-I5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mappings.models import Grade
from mappings.reference.models import Post, PostKind

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from mappings.reference.files import Record

__all__ = ["CHED_TYPES", "Posts"]

CHED_TYPES: Final = frozenset({"A", "P", "PP", "D"})


@dataclass(frozen=True, slots=True)
class _Span:
    """One row: what holds for a post between two days, both included."""

    post: Post
    valid_from: date | None
    valid_to: date | None

    def covers(self, day: date) -> bool:
        return not ((self.valid_from and day < self.valid_from) or (self.valid_to and day > self.valid_to))


class Posts:
    """The list of posts; codes are compared as they are, never taken apart (REFERENCE_DATA 3)."""

    def __init__(self, spans: Iterable[_Span]) -> None:
        self._by_code: dict[str, tuple[_Span, ...]] = {}
        self._by_locode: dict[str, tuple[str, ...]] = {}
        for span in spans:
            post = span.post
            self._by_code[post.code] = (*self._by_code.get(post.code, ()), span)
            known = self._by_locode.get(post.locode, ())
            if post.locode and post.code not in known:
                self._by_locode[post.locode] = (*known, post.code)

    @classmethod
    def from_records(cls, records: Iterable[Record], *, allow_unconfirmed: bool) -> Posts:
        """Read the rows of ``posts.csv``; rows graded unverified are left out unless they are allowed.

        Raises:
            ConfigurationError: IMG-0130 a cell that is none of the words it may hold.
        """
        return cls(
            _Span(_post(record), record.day("valid_from"), record.day("valid_to"))
            for record in records
            if allow_unconfirmed or record.grade is not Grade.UNVERIFIED
        )

    def find(self, code: str, on: date) -> Post | None:
        """The post with this code (I.5) as it stands on that day; None when no list has it.

        A post whose rows do not cover the day is known and not active.
        """
        spans = self._by_code.get(code)
        if spans is None:
            return None
        for span in spans:
            if span.covers(on):
                return span.post
        return _closed(spans[-1].post)

    def at(self, locode: str, on: date) -> tuple[Post, ...]:
        """The posts at a UN/LOCODE: one place can have several, and old documents name the place alone."""
        found = (self.find(code, on) for code in self._by_locode.get(locode, ()))
        return tuple(post for post in found if post is not None)

    def all(self, on: date) -> tuple[Post, ...]:
        """Every post, in the order of the list, as it stands on that day."""
        found = (self.find(code, on) for code in self._by_code)
        return tuple(post for post in found if post is not None)


def _post(record: Record) -> Post:
    types = frozenset(record.words("types"))
    if not types <= CHED_TYPES:
        raise record.wrong("types", "of A, P, PP, D")
    try:
        kind = PostKind(record["kind"])
    except ValueError as error:
        raise record.wrong("kind", ", ".join(PostKind)) from error
    if not record["code"]:
        raise record.wrong("code", "a code")
    return Post(
        record["code"],
        record["name"],
        record["country"],
        record["city"],
        record["locode"],
        record["address"],
        frozenset(record.words("categories")),
        types,
        record.truth("active"),
        kind,
        record.grade,
    )


def _closed(post: Post) -> Post:
    return Post(
        post.code,
        post.name,
        post.country,
        post.city,
        post.locode,
        post.address,
        post.categories,
        post.types,
        active=False,
        kind=post.kind,
        grade=post.grade,
    )

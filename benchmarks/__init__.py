"""The benchmark: ours against the floor and against the naive assembly, in one run (``make bench``)."""

from gateway.soap.compat import install

install()  # before any module here imports spyne, which newer interpreters cannot import as it comes

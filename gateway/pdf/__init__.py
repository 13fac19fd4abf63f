"""Printable documents: CHEDs by parts and boxes, INTRA certificates and DOCOMs, as PDF; PAdES by a ``PdfSealer``."""

from gateway.pdf.certificate import render_certificate
from gateway.pdf.ched import render_ched
from gateway.pdf.renderers import CertificatePdf, ChedPdf, PdfSealer

__all__ = ["CertificatePdf", "ChedPdf", "PdfSealer", "render_certificate", "render_ched"]

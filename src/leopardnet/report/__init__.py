"""The HTML report: one file that opens from disk, with no network and nothing to install."""

from leopardnet.report.page import write_report

__all__ = ["write_report"]

"""The dashboard: pages for people, made on the server from what readers may know; they work without JavaScript."""

from schedsync.pages.site import register

__all__ = ["register"]

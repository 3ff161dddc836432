"""Make the finished site out of what Sphinx wrote: `python -m tools.site _build/html _build/site`.

The finished site asks nothing of another origin, keeps a strict Content-Security-Policy without any inline
code, and is light: every file in it is there because a page needs it. The theme stays as it is; what no page
uses of it is left behind.
"""

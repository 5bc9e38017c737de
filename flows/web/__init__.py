"""The desk over HTTP: the form of a change request, in a browser, with and without scripts.

What the form asks is the tree of `flows.desk.fields.questions`, what is wrong with it is said by
`flows.desk.checks`, and what was typed is kept by `flows.desk.store`. Here is only what a browser
adds: who is in, what may come in from outside, and what it looks like.
"""

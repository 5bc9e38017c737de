"""The change desk: what a client asks for, from the form to the field history a year on.

A request is one YAML file, and `flows.desk.request.ChangeRequest` says what may stand in it. The
web form, the command line, the PDF, the pages and the scaffold are made of that model and of
nothing else. A request that is drafted or waits for us stands on the desk of its instance; one that
is accepted stands in `docs/requests/`, with the code that it asked for.
"""

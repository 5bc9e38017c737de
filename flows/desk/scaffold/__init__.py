"""What accepting a request writes into the project: a first version that passes its tests.

Each kind has a module with one function, `write(request, part, project)`. Where a person has to
decide, the code says "to do" and so does the answer; nowhere else.
"""

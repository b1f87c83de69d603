"""English text without any model: words, stems, stop words, sentences, spelling, dates, white space, estimated tokens.

One of each for the whole code base. Nothing here knows a company, an agent or a service, and everything here takes time
that is linear in the length of a text: what users write comes in unread.
"""

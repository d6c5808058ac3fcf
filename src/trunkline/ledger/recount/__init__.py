"""Better estimates for attempts whose provider told no usage: the worker counts their tokens.

The front writes the texts of such an attempt into a folder and forgets them; the worker, which may
compute, counts them with a tokenizer, corrects the ledger and removes the file.
"""

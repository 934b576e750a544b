"""The Olist data set, real orders of a Brazilian marketplace: importing it, and checking the books.

https://github.com/olist/work-at-olist-data (MIT licence): a folder of CSV files, amounts in
BRL with two decimals, times in UTC-3 without saying so.
"""

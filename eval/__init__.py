"""The scale: judges a predictions file, whoever made it; `python -m eval runs/arabert`.

metrics, bootstrap, paired                        pure statistics on arrays
predictions, predict, runs, checkthat, alignment  what is judged: reading it, checking it, making it
facts                                             what is known of a sentence beside its label
judge, confidence, bars, compare                  the figures of a run, bars to reach, runs against each other
yardsticks/                                       what figures are read beside: floors, ceilings, seeds, left-out groups
report/                                           the command, and what it writes: HTML, Markdown, JSON, LaTeX
stress/                                           hand-written cases, a capability each
splitting                                         the sentence splitter and the proposition filter, on labels of ours
writing                                           how figures and tables are written
"""

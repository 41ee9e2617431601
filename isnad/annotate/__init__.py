"""Growing the labelled data: out to annotation tools, back as one reading per annotator, chosen, compared, settled.

isnad annotate suggest articles.jsonl --count 500 -o batch.jsonl
isnad annotate export label-studio batch.jsonl --model rules -o tasks.json
isnad annotate import label-studio export.json -o readings/
isnad annotate agreement readings/amal.jsonl readings/badr.jsonl
isnad annotate adjudicate readings/amal.jsonl readings/badr.jsonl -o settled.jsonl
"""

"""How pages look, on a phone and in the dark too."""

HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{{ title }}</title>
<style>
 :root { color-scheme: light dark; --ink: #1f2933; --soft: #52606d; --line: #e4e7eb; --pale: #f0f7f4; --red: #b44d12;
  --paper: #fff }
 html { background: var(--paper) }
 body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: var(--ink);
  overflow-wrap: break-word }
 table { border-collapse: collapse; margin: 1rem 0; display: block; overflow-x: auto; overflow-wrap: normal }
 td, th { padding: .25rem .8rem; text-align: right; border-bottom: 1px solid var(--line); vertical-align: top }
 td:first-child, th:first-child, td.left, th.left { text-align: left } tr.adapted { font-weight: 600 }
 .verdict { font-size: 1.15rem; border-left: 4px solid #0b6e4f; padding: .4rem 1rem; background: var(--pale) }
 .note { color: var(--soft) }
 .triple { border-left: 4px solid var(--line); padding: 0 1rem; margin: 1rem 0; overflow-wrap: anywhere }
 .triple p { margin: .3rem 0 }
 td.left { overflow-wrap: anywhere; min-width: 9rem } details[open] summary span { display: none }
 .positive { color: #0b6e4f; font-weight: 600 } .negative { color: var(--red); font-weight: 600 }
 @media (prefers-color-scheme: dark) {
  :root { --ink: #e4e7eb; --soft: #9aa5b1; --line: #3e4c59; --pale: #12291f; --red: #e88b56;
   --paper: #121212 }
  .positive { color: #4cb98f }
  .js-plotly-plot text:not(.bartext-inside) { fill: var(--ink) !important }
  .js-plotly-plot .gridlayer path, .js-plotly-plot .zerolinelayer path { stroke: var(--line) !important }
 }
"""
"""The start of a page named ``title``, up to where rules of its own may follow; then ``</style></head><body>``."""

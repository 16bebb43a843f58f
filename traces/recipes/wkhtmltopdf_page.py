"""Writes the page of wkhtmltopdf.sh to stdout: so many sections with tables, lists, styles, drawings
and a script that builds more of them. The same one every time.

usage: wkhtmltopdf_page.py SECTIONS
"""

import random
import sys

RANDOM = random.Random(20261123)
WORDS = "amber basket candle drawer engine feather garden hammer island jacket kettle".split()

SCRIPT = """
var state = 20261123;
function random(n) { state = (state * 1103515245 + 12345) % 2147483648; return (state >> 8) % n; }
function entry(i) {
  var item = document.createElement('li');
  item.className = 'c' + random(20);
  item.appendChild(document.createTextNode('entry ' + i + ' of ' + random(1000)));
  return item;
}
window.onload = function() {
  var lists = document.getElementsByTagName('ul'), index = {};
  for (var i = 0; i < 3000; ++i) lists[random(lists.length)].appendChild(entry(i));
  for (var i = 0; i < 1000; ++i) {
    var list = lists[random(lists.length)];
    if (list.lastChild) list.removeChild(list.lastChild);
    list.title = (list.title + ' ' + i).substr(0, 60);
  }
  var words = document.body.textContent.split(/\\W+/);
  words.forEach(function(word) { (index[word] = index[word] || []).push(word.length); });
  document.getElementById('end').innerHTML = Object.keys(index).sort().map(function(word) {
    return '<b>' + word + '</b>: ' + index[word].length;
  }).join(', ');
};
"""


def words(count):
    return " ".join(RANDOM.choices(WORDS, k=count))


print("<!DOCTYPE html><html><head><meta charset='utf-8'><title>Report</title><style>")
print("body { font-family: sans-serif } td { border: 1px solid #888; padding: 2px }")
for number in range(20):
    print(f".c{number} {{ color: #{RANDOM.randrange(4096):03x}; margin-left: {number}px }} "
          f"section:nth-child({number + 2}n) > h2 {{ letter-spacing: {number / 10}px }}")
print(f"</style><script>{SCRIPT}</script></head><body>")
for section in range(int(sys.argv[1])):
    print(f"<section><h2 id='s{section}'>{words(4)}</h2>"
          f"<p class='c{section % 20}'>{words(60)} <a href='#s{section // 2}'>{words(2)}</a></p>"
          f"<svg width='300' height='60'><path stroke='#456' fill='none' d='M0 30 "
          + " ".join(f"L{10 * x} {RANDOM.randrange(60)}" for x in range(30)) + "'/></svg><table>")
    for _ in range(RANDOM.randrange(3, 10)):
        print("<tr>" + "".join(f"<td>{words(RANDOM.randrange(1, 6))}</td>" for _ in range(5)))
    print(f"</table><ul class='c{section % 7}'><li>{words(5)}<li>{words(3)}</ul></section>")
print("<p id='end'></p></body></html>")

# What ruby.sh records: three stages of threads with queues between them.
require "json"

WORDS = %w[amber basket candle drawer engine feather garden hammer island jacket kettle ladder]
DOCUMENTS = 2800

def document(random, number)
  words = Array.new(20 + random.rand(60)) { WORDS.sample(random: random) + random.rand(300).to_s }
  {id: number, title: words.first(3).join(" "), body: words.join(" "),
   tags: WORDS.sample(random.rand(4), random: random)}.to_json
end

raw = SizedQueue.new(64)
parsed = SizedQueue.new(64)

reader = Thread.new do
  random = Random.new(20261123)
  DOCUMENTS.times { |number| raw << document(random, number) }
  3.times { raw << nil }
end

parsers = Array.new(3) do
  Thread.new do
    while (text = raw.pop)
      entry = JSON.parse(text, symbolize_names: true)
      entry[:counts] = entry[:body].scan(/[a-z]+/).tally
      entry[:body] = entry[:body].gsub(/\d+/) { |digits| "<#{digits.to_i.to_s(16)}>" }
      parsed << entry
    end
    parsed << nil
  end
end

index = Hash.new { |hash, key| hash[key] = [] }
recent = []
rendered = 0
indexer = Thread.new do
  ended = 0
  while ended < parsers.size
    entry = parsed.pop
    (ended += 1) && next if entry.nil?
    entry[:counts].each { |word, count| index[word] << [entry[:id], count] }
    entry[:tags].each { |tag| index["tag:" + tag] << entry[:title] }
    recent << entry
    recent.shift(300) if recent.size > 600
    rendered += "<h1>#{entry[:title]}</h1><p>#{entry[:body].split.join("</p><p>")}</p>".size
  end
end

[reader, *parsers, indexer].each(&:join)
best = index.max_by(5) { |_, places| places.size }.map { |word, places| [word, places.size] }
puts "#{index.size} words, #{rendered} bytes, most: #{best.map(&:first).sort.join(", ")}"

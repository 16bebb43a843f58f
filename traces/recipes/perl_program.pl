# What perl.sh records: text processing with hashes. It makes a text of words that are as unevenly
# frequent as real ones, then splits, counts, indexes, substitutes, sorts and groups them.
use strict;
use warnings;

srand(20261123);
my @syllables = qw(ba ce di fo gu ha je ki lo mu na pe qui ro su ta ve wi xo zu);
my @words = map { join '', map { $syllables[rand @syllables] } 0 .. 1 + int rand 4 } 1 .. 4000;

sub sentence {
  my @chosen = map { $words[int(@words * rand() ** 3)] } 1 .. 4 + int rand 12;
  return ucfirst(join ' ', @chosen) . (rand() < 0.1 ? '!' : '.');
}

my @lines = map { join ' ', map { sentence() } 1 .. 1 + int rand 3 } 1 .. 6000;

# Frequencies, neighbours, and on which lines a word stands.
my (%count, %next, %lines_of);
for my $number (0 .. $#lines) {
  my @parts = map { lc } $lines[$number] =~ /(\w+)/g;
  for my $i (0 .. $#parts) {
    $count{$parts[$i]}++;
    $next{$parts[$i]}{$parts[$i + 1]}++ if $i < $#parts;
    push @{$lines_of{$parts[$i]}}, $number;
  }
}

# Rare words go, and with them their neighbours.
for my $word (grep { $count{$_} < 3 } sort keys %count) {
  delete $next{$word};
  delete $lines_of{$word};
  delete $_->{$word} for values %next;
}

# A record for each word, grouped by its first letter, longest lists first.
my %group;
for my $word (sort keys %lines_of) {
  my ($best) = sort { $next{$word}{$b} <=> $next{$word}{$a} || $a cmp $b } keys %{$next{$word}};
  push @{$group{substr $word, 0, 1}},
      {word => $word, count => $count{$word}, best => $best, lines => [@{$lines_of{$word}}]};
}
my $report = '';
for my $letter (sort keys %group) {
  my @records = sort { $b->{count} <=> $a->{count} || $a->{word} cmp $b->{word} } @{$group{$letter}};
  $report .= sprintf "%s %d: %s\n", $letter, scalar @records,
      join ', ', map { "$_->{word} ($_->{count}, " . ($_->{best} // '-') . ')' } @records;
}

# Substitution with a lookup, line by line, and the text once more as one string.
my %short = map { $_->{word} => substr($_->{word}, 0, 3) . '~' } map { @$_ } values %group;
s/(\w{6,})/exists $short{lc $1} ? $short{lc $1} : "<$1>"/ge for @lines;
my $text = join "\n", @lines;
my %seen;
my @fresh = grep { !$seen{$_}++ } split /[.!]\s*/, $text;
$text =~ tr/a-z/A-Z/;
printf "%d words, %d sentences, %d and %d bytes\n", scalar keys %count, scalar @fresh,
    length $report, length $text;

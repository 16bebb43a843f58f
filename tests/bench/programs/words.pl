# A load for perl: hashes of arrays, growing strings, splitting, joining, sorting, substitution.
use strict;
use warnings;

my $scale = shift // 4;
my $state = 1;
sub below { $state = ($state * 1103515245 + 12345) % 2147483648; return int($state / 65536) % shift; }

my $total = 0;
for my $turn (1 .. $scale) {
    my %lines;
    for (1 .. 60000) {
        push @{$lines{"key" . below(8000)}}, "value" . below(1000000) . ("x" x below(40));
    }
    my $text = "";
    for my $key (sort keys %lines) {
        $text .= join(",", sort @{$lines{$key}}) . "\n";
    }
    my %count;
    $count{$_}++ for split /[,\n]/, $text;
    $text =~ s/value(\d)/v-$1-/g;
    delete @lines{grep { below(2) } keys %lines};
    $total += length($text) + keys(%count) + keys(%lines);
}
print "$total\n";

# Verifies the messages named on standard input, one path a line, with Mail::DKIM and without DNS.
# The first argument names a file of `NAME RECORD` lines, which stand for the DNS.
use strict;
use warnings;
use Mail::DKIM::PublicKey;
use Mail::DKIM::Verifier;

my %records;
open my $keys, '<', shift or die "keys: $!";
while (my $line = <$keys>) {
    chomp $line;
    my ($name, $record) = split ' ', $line, 2;
    $records{$name} = $record;
}

no warnings 'redefine';
*Mail::DKIM::PublicKey::fetch_async = sub {
    my ($class, %wanted) = @_;
    my $record = $records{"$wanted{Selector}._domainkey.$wanted{Domain}"};
    my $key = defined $record ? $class->parse($record) : undef;
    my $success = ($wanted{Callbacks} || {})->{Success};
    return sub { return $success ? $success->($key) : $key };
};
use warnings;

while (my $path = <STDIN>) {
    chomp $path;
    open my $file, '<:raw', $path or die "$path: $!";
    my $octets = do { local $/; <$file> };
    my $verifier = Mail::DKIM::Verifier->new;
    $verifier->PRINT($octets);
    $verifier->CLOSE;
    print "$path ", $verifier->result_detail, "\n";
}

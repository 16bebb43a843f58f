// A program for the sake of its precompiled headers, which all test programs use.
int main() {}

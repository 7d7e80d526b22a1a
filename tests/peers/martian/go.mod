module backstay.test/martian

go 1.25.0

require github.com/google/martian v2.1.0+incompatible

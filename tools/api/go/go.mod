module kith/load-schema

go 1.19

require github.com/vektah/gqlparser/v2 v2.5.16

require github.com/agnivade/levenshtein v1.1.1 // indirect

module orlop.invalid/pause

go 1.21

fn main(){}
#[test] fn x(){ proptest::proptest!(|(a in 0..3)|{let _=a;}); }

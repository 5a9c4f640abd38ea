select 'more' as file
